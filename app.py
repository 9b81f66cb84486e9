"""What the CDK command runs; ``python app.py`` writes the same template to cdk.out."""

from infra.synthesis import main

if __name__ == "__main__":
    main()
